print("rookeryd")
